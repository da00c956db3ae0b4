import { it } from '@jest/globals';
import { createTestApp } from '../support/test-app.js';
import { createDatabase } from '../support/test-database.js';
import { DatabaseProxy } from '../support/database-proxy.js';
it('reads', async () => {
    const db = await createDatabase(); const proxy = await DatabaseProxy.start(db.serviceUrl);
    const app = await createTestApp({environment: {LOG_LEVEL:'error'}, databaseUrl: proxy.url, database: db});
    await app.call('GET','/api/clients');
    proxy.cut();
    for (const [m,p,body] of [['POST','/api/clients',{name:'x',scopes:['admin']}],['GET','/api/clients'],['PATCH','/api/brands/1',{}],['PUT','/internal/players/1',{}]] as [string,string,unknown][]) {
    const a = await app.call(m,p,{body});
    console.log(a.text); }
    await app.close(); await proxy.stop();
});
