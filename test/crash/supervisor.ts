import type { HttpClient } from '../support/http.js';
import { ServiceProcess } from '../support/service-process.js';

/** Keeps the built service in a process of its own, and ends it without a word. */
export class Supervisor {
  private process?: ServiceProcess;
  private connections?: HttpClient;
  private client: Promise<HttpClient>;
  private announce: (client: HttpClient) => void;
  private readonly earlierWarnings: string[] = [];

  constructor(private readonly environment: Record<string, string>) {
    this.expectNext();
  }

  /** A client of the service that runs; while none does, of the next one. */
  whenUp(): Promise<HttpClient> {
    return this.client;
  }

  /** Starts it on what is there; resolves when it is ready. */
  async start(): Promise<void> {
    this.process = new ServiceProcess(this.environment);
    this.connections = await this.process.ready();
    this.announce(this.connections);
  }

  /** SIGKILL, at once; resolves when nothing is left of it. */
  async kill(): Promise<void> {
    const { process, connections } = this;
    if (!process) return;
    process.signal('SIGKILL');
    if (connections) this.expectNext();
    this.connections = undefined;
    await process.ended;
    this.earlierWarnings.push(...this.listWarnings());
    this.process = undefined;
    connections?.close();
  }

  /** What Node itself warns of, in any of its lives: leaks, rejections that nobody handles. */
  get warnings(): string[] {
    return [...this.earlierWarnings, ...this.listWarnings()];
  }

  /** The last that it wrote. */
  get lastWords(): string {
    return this.process?.output.slice(-2000) ?? '';
  }

  private listWarnings(): string[] {
    return this.process?.output.match(/^\(node:\d+\).*/gm) ?? [];
  }

  private expectNext(): void {
    this.client = new Promise((resolve) => (this.announce = resolve));
  }
}
