/**
 * The name of every format, with what it is for: one line without a full stop, for help texts. The
 * command line shows them without loading the formats.
 */
export const formatDescriptions = {
  json: 'all mappings as the API shows them, which --mapping FILE of other commands reads',
  csv: 'a table for spreadsheets and scripts',
  imagemirror: 'the objects that the admission policy in a cluster reads',
} as const;

export type FormatName = keyof typeof formatDescriptions;
