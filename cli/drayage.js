#!/usr/bin/env node
// The `drayage` command. In the published package it runs the JavaScript bundled from cli/main.ts,
// which needs the Node version in `engines`. In the repository it runs cli/main.ts itself, which
// needs Node 24; if the machine's own is older, it uses the one in the devDependency `node`.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as module from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const built = new URL('../dist/cli/main.js', import.meta.url);
const source = new URL('./main.ts', import.meta.url);
const isRepository = existsSync(source);
const main = isRepository ? source : built;
const needed = isRepository ? '24.0' : leastNode();
/**
 * Reuses the compiled code of the last run, which saves a third of the start-up time. If it can't
 * be written, nothing is kept.
 */
const cache = fileURLToPath(new URL('../node_modules/.cache/drayage', import.meta.url));

if (isEnough(process.versions.node)) {
  module.enableCompileCache?.(cache);
  await import(main.href);
} else {
  relay(newerNode());
}

/** What the package requires: `>=22.19`. */
function leastNode() {
  const { engines } = module.createRequire(import.meta.url)('../package.json');
  return engines.node.replace('>=', '');
}

function isEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = needed.split('.').map(Number);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}

/** The Node of the devDependency, if it is there. */
function newerNode() {
  try {
    const manifest = module.createRequire(import.meta.url).resolve('node/package.json');
    const binary = fileURLToPath(new URL('bin/node', `file://${manifest}`));
    if (existsSync(binary)) return binary;
  } catch {
    // not installed: reported below
  }
  process.stderr.write(
    `drayage needs Node ${needed} or newer and this is ${process.version}.\n` +
      (isRepository
        ? 'Install a newer Node, or run npm ci in this folder.\n'
        : 'Install a newer Node: https://nodejs.org/\n'),
  );
  process.exit(1);
}

/**
 * Runs the command under another Node as if it were this process. The IPC channel shows it when
 * this process is gone.
 */
function relay(node) {
  const child = spawn(node, [fileURLToPath(main), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { NODE_COMPILE_CACHE: cache, ...process.env, DRAYAGE_RELAYED: '1' },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = signal ? 128 + (constants.signals[signal] ?? 0) : (code ?? 1);
    if (child.connected) child.disconnect();
  });
}
