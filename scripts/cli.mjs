// `npm run cli -- <command>`: builds if needed, then becomes the command line.
import { build } from './build.mjs';

build();
await import('../dist/src/cli/main.js');
