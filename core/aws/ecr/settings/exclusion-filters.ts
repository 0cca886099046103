/**
 * The patterns for tags to which the opposite of a mutability setting applies, as the API takes
 * them: it refuses an empty list.
 */
export function exclusionFilters(except: string[]) {
  if (except.length === 0) return {};
  const filterType = 'WILDCARD' as const;
  return { imageTagMutabilityExclusionFilters: except.map((filter) => ({ filterType, filter })) };
}
