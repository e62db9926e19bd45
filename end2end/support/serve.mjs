// Starts the program under test on a data folder that is new, and takes the folder away afterwards.
//
// node serve.mjs <program> <listen address> <ops address> <log file> <data folder>

import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';

const [program, listen, opsListen, log, data] = process.argv.slice(2);
if (!program || !listen || !opsListen || !log || !data) {
  throw new Error('usage: node serve.mjs <program> <listen address> <ops address> <log file> <data folder>');
}
if (!existsSync(program)) {
  console.error(`${program} is not there. Build it with: cargo xtask build`);
  process.exit(1);
}

rmSync(data, { recursive: true, force: true });
mkdirSync(data, { recursive: true, mode: 0o700 });
mkdirSync(dirname(log), { recursive: true });
const output = openSync(log, 'w');
const server = spawn(
  program,
  // The shortest recheck, so that no test waits for the usual 30 seconds.
  ['serve', '--listen', listen, '--ops-listen', opsListen, '--data', data, '--session-recheck', '1s'],
  { stdio: ['ignore', output, output] },
);
closeSync(output);

let isStopping = false;
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.on(signal, () => {
    isStopping = true;
    server.kill('SIGTERM');
  });
}

server.on('error', (error) => {
  console.error(`cannot start ${program}: ${error.message}`);
  rmSync(data, { recursive: true, force: true });
  process.exit(1);
});
server.on('exit', (code, signal) => {
  rmSync(data, { recursive: true, force: true });
  if (!isStopping) {
    const lines = existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : [];
    console.error(`${program} ended by itself (${signal ?? code}). Its last lines:`);
    console.error(lines.slice(-20).join('\n'));
  }
  process.exit(isStopping ? 0 : 1);
});
