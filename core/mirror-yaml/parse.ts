import type { Config } from '../config/config.ts';
import { crossFieldFindings } from './cross-field.ts';
import { explain } from './explain.ts';
import { normalise } from './normalise.ts';
import { readYaml, type YamlPath } from './read-yaml.ts';
import { findRefusedKeys } from './refused-by-stack.ts';
import { fileSchema } from './schema.ts';

/** Longer files are not read. */
export const maxConfigBytes = 1024 * 1024;

/** An error in mirror.yaml: what was found, where, and what to write instead. */
export interface ConfigError {
  /** Such as `upstreams[0].repositories[1].match`; empty for the file as a whole. */
  path: string;
  message: string;
  /** Counted from 1. */
  line?: number;
  column?: number;
}

/** A configuration, or everything that is wrong with the text. */
export type ParsedConfig = { ok: true; config: Config } | { ok: false; errors: ConfigError[] };

/**
 * Reads mirror.yaml. All errors are reported at once, in the order of the text. If the text is not
 * YAML, nothing else is checked. Never throws, whatever the text.
 */
export function parseConfig(text: string): ParsedConfig {
  const parsed = parseWithPlaces(text);
  return parsed.ok ? { ok: true, config: parsed.config } : parsed;
}

/** A configuration, with information that only its text has. */
export interface ConfigWithPlaces {
  ok: true;
  config: Config;
  /** Settings of the file that `cdk synth` refuses. */
  warnings: ConfigError[];
  /** Finds the place in the text for an error that is detected later. */
  errorAt(path: YamlPath, message: string): ConfigError;
}

/** Like {@link parseConfig}, with {@link ConfigWithPlaces}. */
export function parseWithPlaces(text: string): ConfigWithPlaces | (ParsedConfig & { ok: false }) {
  if (Buffer.byteLength(text) > maxConfigBytes)
    return { ok: false, errors: [{ path: '', message: `is larger than ${maxConfigBytes} bytes` }] };
  const { document, problems } = readYaml(text);
  if (problems.length > 0)
    return {
      ok: false,
      errors: problems.map(({ path, ...problem }) => ({ ...problem, path: formatPath(path) })),
    };

  const value = document.value ?? {};
  const parsed = fileSchema.safeParse(value);
  const findings = [
    ...(parsed.success ? [] : explain(parsed.error.issues, fileSchema, value, [], document.source)),
    ...crossFieldFindings(document),
  ];
  if (parsed.success && findings.length === 0) {
    const errorAt = (path: YamlPath, message: string) => ({
      path: formatPath(path),
      message,
      ...document.locate(path),
    });
    const warnings = findRefusedKeys(document).map(({ path, message }) => ({
      path: formatPath(path),
      message,
      ...document.locateKey(path),
    }));
    return { ok: true, config: normalise(parsed.data), warnings, errorAt };
  }
  const errors = findings.map(({ path, message, onKey }) => ({
    path: formatPath(path),
    message,
    ...(onKey ? document.locateKey(path) : document.locate(path)),
  }));
  return { ok: false, errors: errors.sort((a, b) => a.line - b.line || a.column - b.column) };
}

function formatPath(path: YamlPath): string {
  return path.reduce<string>((written, key) => {
    if (typeof key === 'number') return `${written}[${key}]`;
    if (!/^[\w-]{1,100}$/.test(key)) return `${written}[${JSON.stringify(key.slice(0, 100))}]`;
    return written === '' ? key : `${written}.${key}`;
  }, '');
}
