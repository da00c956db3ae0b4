import type { EntityManager } from 'typeorm';
import { CustomField } from './database/entities/custom-field.entity.js';

/** Two custom fields of the demo's brand, of which nobody has a value yet. */
export async function createCustomFields(manager: EntityManager): Promise<void> {
  await manager.insert(CustomField, [
    { brandId: 1, id: 'favourite_team', name: 'Favourite team', type: 'string', position: 0 },
    { brandId: 1, id: 'lucky_number', name: 'Lucky number', type: 'int', position: 1 },
  ]);
}
