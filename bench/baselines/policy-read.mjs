// consent-given of policies as fast as bare Fastify and pg go, on the service's own tables: a named prepared statement that knows
// the whole rule, and hand-written JSON; no validation.
import Fastify from 'fastify';
import pg from 'pg';

const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: Number(process.env.POOL_SIZE ?? 10),
});
const app = Fastify();

/** $1 is the subject, $2 the policy; `valid` says which of the subject's consents count. */
const find = (name, valid) => ({
  name,
  text: `select p.brand_id, s.brand_id as owner, c.is_given
    from policies p
    left join subjects s on s.client_id = $1
    left join lateral (
      select c.is_given from policy_consents c
      where c.subject_id = coalesce(s.linked_to, s.client_id) and c.policy_id = p.id and ${valid}
      order by c.created_at desc, c.id desc limit 1) c on true
    where p.id = $2`,
});
/** Those to versions since the last one that asked everybody again, and withdrawals of any. */
const FIND = find(
  'find',
  `c.version_at <= now() and (not c.is_given or c.version_at >= (
    select coalesce(max(v.effective_at) filter (where v.is_material), min(v.effective_at)) from policy_versions v
    where v.policy_id = $2 and v.effective_at <= now()))`,
);
const FIND_OF_VERSION = find('find_of_version', 'c.version = $3');
const NOT_FOUND = '{"title":"Not Found","status":404}';

app.get('/api/policyconsent/consent-given', async (request, reply) => {
  const { ClientId: clientId, PolicyId: policyId, Version: version } = request.query;
  const values = [Buffer.from(clientId, 'hex'), policyId];
  const { rows } = await pool.query(
    version === undefined ? { ...FIND, values } : { ...FIND_OF_VERSION, values: [...values, version] },
  );
  reply.type('application/json');
  if (rows.length === 0) return reply.code(404).send(NOT_FOUND);
  const [{ brand_id: brandId, owner, is_given: isGiven }] = rows;
  if (owner !== null && owner !== brandId) return reply.code(404).send(NOT_FOUND);
  return isGiven ? '{"ConsentGiven":true}' : '{"ConsentGiven":false}';
});

console.log(await app.listen({ host: '127.0.0.1', port: 0 }));
