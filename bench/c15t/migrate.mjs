// What its command line's `self-host migrate` does with an adapter: plan up to the latest schema, execute.
import { DB } from '@c15t/backend/db/schema';
import { migrator } from '@c15t/backend/db/migrator';
import { adapter, close } from './instance.mjs';

const migration = await migrator({ db: DB.client(adapter), schema: 'latest' });
await migration.execute();
await close();
