// `npm start`: builds if needed, then becomes the service.
import { build } from './build.mjs';

build();
await import('../dist/src/main.js');
