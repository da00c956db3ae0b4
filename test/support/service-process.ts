import { type ChildProcess, spawn } from 'node:child_process';
import { projectFolder } from './api-document.js';
import { HttpClient } from './http.js';

/** The built service in a process of its own, with everything that it writes. */
export class ServiceProcess {
  private written = '';
  private readonly child: ChildProcess;
  /** The exit code, once there is one. */
  readonly ended: Promise<number | null>;

  constructor(environment: Record<string, string>) {
    const { PATH = '', HOME = '/' } = process.env;
    this.child = spawn(process.execPath, ['dist/src/main.js'], {
      cwd: projectFolder,
      env: { PATH, HOME, PORT: '0', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.written += chunk.toString();
      });
    }
    this.ended = new Promise((resolve) => this.child.once('close', resolve));
  }

  /** All of standard output and standard error so far. */
  get output(): string {
    return this.written;
  }

  /** A client of the address that the service printed. */
  async ready(): Promise<HttpClient> {
    await this.until(/ is ready on http/);
    const { hostname, port } = new URL(/ is ready on (\S+)/.exec(this.written)?.[1] ?? '');
    return new HttpClient(hostname, Number(port));
  }

  /** Waits until the output has what is asked for; rejects when the process ends, or after 20 s. */
  async until(pattern: RegExp): Promise<void> {
    let isOver = false;
    void this.ended.then(() => {
      isOver = true;
    });
    const start = Date.now();
    while (!pattern.test(this.written)) {
      if (isOver || Date.now() - start > 20_000) throw new Error(`never wrote ${pattern}:\n${this.written}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async stop(): Promise<number | null> {
    this.signal('SIGTERM');
    return this.ended;
  }
}
