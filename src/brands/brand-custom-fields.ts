import { type EntityManager, In } from 'typeorm';
import { AppError } from '../common/errors.js';
import { CustomField, type CustomFieldType } from '../database/entities/custom-field.entity.js';

/** A field that a brand keeps of its players beside those of every brand. */
export interface CustomFieldDefinition {
  id: string;
  name: string;
  type: CustomFieldType;
}

/** The brand's custom fields in its order. */
export async function listCustomFields(
  manager: EntityManager,
  brandId: number,
): Promise<CustomFieldDefinition[]> {
  const rows = await manager.find(CustomField, {
    where: { brandId },
    order: { position: 'ASC', id: 'ASC' },
  });
  return rows.map(({ id, name, type }) => ({ id, name, type }));
}

/**
 * Makes these the brand's custom fields, in this order. conflict where players still have a value of one that would go, or
 * become one of another type. The caller keeps changes of players out (the brand's lock, held exclusively).
 */
export async function replaceCustomFields(
  manager: EntityManager,
  brandId: number,
  fields: CustomFieldDefinition[],
): Promise<void> {
  const typeOf = new Map(fields.map(({ id, type }) => [id, type]));
  const known = await manager.findBy(CustomField, { brandId });
  for (const { id, type } of known) {
    if (typeOf.get(id) !== type) await refuseWhileHeld(manager, brandId, id, typeOf.has(id));
  }
  const gone = known.filter(({ id }) => !typeOf.has(id)).map(({ id }) => id);
  if (gone.length > 0) await manager.delete(CustomField, { brandId, id: In(gone) });
  if (fields.length === 0) return;
  await manager.upsert(
    CustomField,
    fields.map(({ id, name, type }, position) => ({ brandId, id, name, type, position })),
    ['brandId', 'id'],
  );
}

async function refuseWhileHeld(
  manager: EntityManager,
  brandId: number,
  fieldId: string,
  isRetyped: boolean,
): Promise<void> {
  const [row] = await manager.query<[{ players: number }]>(
    'select count(*)::integer as players from player_custom_fields where brand_id = $1 and field_id = $2',
    [brandId, fieldId],
  );
  if (row.players === 0) return;
  const refusal = isRetyped ? 'its type cannot be changed' : 'it cannot be removed';
  throw new AppError(
    'conflict',
    `${row.players} players still have a value of the custom field ${fieldId}: ${refusal}`,
  );
}
