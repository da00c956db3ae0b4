import { rmSync, utimesSync } from 'node:fs';
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/database/embedded/embedded-postgres.js';
import { migrate } from '../../src/database/schema.js';
import { postmasterPid } from '../support/launcher-process.js';
import { makeClusterFolder } from '../support/test-cluster.js';
import { ownerRole, runStatements, serviceRole, type TestDatabase } from '../support/test-database.js';

/** A PostgreSQL of its own that keeps what it promised: fsync on, to be ended at once and started again on its data. */
export class DurableCluster {
  private server: EmbeddedPostgres;
  private ended: Promise<void>;

  private constructor(readonly dataDir: string) {}

  /** The server that runs now. */
  get postgres(): EmbeddedPostgres {
    return this.server;
  }

  static async start(): Promise<DurableCluster> {
    const cluster = new DurableCluster(makeClusterFolder());
    await cluster.startAgain();
    return cluster;
  }

  /** Starts on the data that is there; resolves when it has recovered. */
  async startAgain(): Promise<void> {
    let settle: () => void;
    this.ended = new Promise((resolve) => (settle = resolve));
    this.server = await startEmbeddedPostgres({ dataDir: this.dataDir, onExit: () => settle() });
  }

  /** PostgreSQL's shutdown mode `immediate`: every process quits where it stands, and the next start recovers. */
  async stopImmediately(): Promise<void> {
    // Or another run of the tests could take the folder for abandoned before the server is back.
    utimesSync(this.dataDir, new Date(), new Date());
    process.kill(postmasterPid(this.dataDir), 'SIGQUIT');
    await this.ended;
  }

  /** A new database with every migration applied by its owner. */
  async createDatabase(name: string): Promise<TestDatabase> {
    const postgres = this.server.superuserUrl('postgres');
    const createRole = (role: string) =>
      `do $$ begin create role ${role} login; exception when duplicate_object then null; end $$`;
    await runStatements(postgres, [
      createRole(ownerRole),
      createRole(serviceRole),
      `create database ${name} owner ${ownerRole}`,
    ]);
    const ownerUrl = this.server.url(ownerRole, name);
    await migrate(ownerUrl, serviceRole);
    return {
      name,
      ownerUrl,
      serviceUrl: this.server.url(serviceRole, name),
      superuserUrl: this.server.superuserUrl(name),
      drop: () => runStatements(postgres, [`drop database if exists ${name} with (force)`]),
    };
  }

  /** Stops it and removes everything. */
  async remove(): Promise<void> {
    await this.server.stop();
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
