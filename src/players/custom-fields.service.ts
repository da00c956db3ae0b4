import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, In } from 'typeorm';
import { Clock } from '../common/clock.js';
import { AppError } from '../common/errors.js';
import { Database } from '../database/database.js';
import { CustomField, type CustomFieldType } from '../database/entities/custom-field.entity.js';
import { Player } from '../database/entities/player.entity.js';
import { PlayerCustomField } from '../database/entities/player-custom-field.entity.js';
import { type ChangedBy, type FieldChange, PlayerChangesService } from './player-changes.service.js';
import { lockPlayer } from './player-lock.js';

/** A field of the brand with a player's value of it, which has the field's type; null for none. */
export interface CustomFieldView {
  id: string;
  name: string;
  type: CustomFieldType;
  value: string | number | null;
}

/** What a field is to have; null takes its value away. */
export interface CustomFieldInput {
  id: string;
  type: CustomFieldType;
  value: string | number | null;
}

interface FieldRow {
  id: string;
  name: string;
  type: CustomFieldType;
  text_value: string | null;
  int_value: string | null;
}

/** Parameters: brand, player. In the brand's order. */
const findFields = {
  name: 'find_player_custom_fields',
  text: `
    select f.id, f.name, f.type, v.text_value, v.int_value
    from custom_fields f
    left join lateral (
      select x.text_value, x.int_value from player_custom_fields x
      where x.brand_id = f.brand_id and x.player_id = $2 collate "C" and x.field_id = f.id limit 1) v on true
    where f.brand_id = $1 order by f.position, f.id`,
};

/** What brands keep of their players beside what all do. */
@Injectable()
export class CustomFieldsService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly database: Database,
    private readonly changes: PlayerChangesService,
    private readonly clock: Clock,
  ) {}

  /** All fields of the brand with the player's values. */
  async find(brandId: number, playerId: string): Promise<CustomFieldView[]> {
    const rows = await this.database.prepared<FieldRow>(findFields, [brandId, playerId]);
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      type: row.type,
      value: row.int_value === null ? row.text_value : Number(row.int_value),
    }));
  }

  /**
   * Gives fields their values and leaves the others alone: all of it happens, or none. invalid_input for a field that the
   * brand does not have, that is of another type, or that comes twice; user_not_found for an unknown player.
   */
  async change(brandId: number, playerId: string, inputs: CustomFieldInput[], by: ChangedBy): Promise<void> {
    const id = { brandId, playerId };
    await this.dataSource.transaction(async (manager) => {
      const locked = await lockPlayer(manager, brandId, playerId);
      if (!locked) throw new AppError('user_not_found');
      await requireFields(manager, brandId, inputs);
      if (!locked.player) await manager.insert(Player, { ...id });
      const fieldIds = inputs.map((input) => input.id);
      const known = await manager.findBy(PlayerCustomField, { ...id, fieldId: In(fieldIds) });
      const valueOf = new Map(known.map((row) => [row.fieldId, row.intValue ?? row.textValue]));
      const changed = inputs.flatMap((input) => {
        const [before, after] = [valueOf.get(input.id) ?? null, input.value];
        return before === (after === null ? null : String(after)) ? [] : [{ input, before }];
      });
      await write(
        manager,
        id,
        changed.map(({ input }) => input),
      );
      await this.changes.record(manager, id, changed.map(toFieldChange), by, this.clock.now());
    });
  }
}

async function requireFields(
  manager: EntityManager,
  brandId: number,
  inputs: CustomFieldInput[],
): Promise<void> {
  const fields = await manager.findBy(CustomField, { brandId });
  const types = new Map(fields.map(({ id, type }) => [id, type]));
  const areTheirs = inputs.every(({ id, type }) => types.get(id) === type);
  if (!areTheirs || new Set(inputs.map(({ id }) => id)).size < inputs.length)
    throw new AppError('invalid_input');
}

async function write(
  manager: EntityManager,
  id: { brandId: number; playerId: string },
  inputs: CustomFieldInput[],
): Promise<void> {
  const gone = inputs.filter(({ value }) => value === null).map((input) => input.id);
  if (gone.length > 0) await manager.delete(PlayerCustomField, { ...id, fieldId: In(gone) });
  const kept = inputs.filter(({ value }) => value !== null);
  if (kept.length === 0) return;
  await manager.upsert(
    PlayerCustomField,
    kept.map((input) => ({
      ...id,
      fieldId: input.id,
      textValue: input.type === 'string' ? String(input.value) : null,
      intValue: input.type === 'int' ? String(input.value) : null,
    })),
    ['brandId', 'playerId', 'fieldId'],
  );
}

function toFieldChange({ input, before }: { input: CustomFieldInput; before: string | null }): FieldChange {
  const after = input.value === null ? null : String(input.value);
  return { field: `customFields.${input.id}`, before, after };
}
