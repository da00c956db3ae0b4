import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { BrandCatalogue } from '../brands/brand-catalogue.js';
import type { BrandSettings } from '../brands/brand-settings.js';
import { AppError } from '../common/errors.js';
import { Channel, type ChannelName } from '../consents/channels.js';
import { type MarketingMasks, readConsent, stateColumns } from '../consents/marketing-state.js';
import { type TimelineRow, toTimelineEvent } from '../consents/timeline-event.js';
import { levelName } from '../consents/universal/universal-record.js';
import type { CustomFieldType } from '../database/entities/custom-field.entity.js';
import { outboxKindName } from '../delivery/outbox-kinds.js';
import type { CustomFieldView } from './custom-fields.service.js';
import type {
  ExportedActivity,
  ExportedBlocks,
  ExportedChange,
  ExportedCode,
  ExportedConsent,
  ExportedCredentials,
  ExportedLink,
  ExportedGame,
  ExportedMarketingForm,
  ExportedMessage,
  ExportedPlay,
  ExportedPolicyConsent,
  ExportedProfile,
  ExportedSession,
  ExportedUniversalConsent,
  PlayerExport,
} from './player-export.js';
import * as statements from './player-export.statements.js';

type StateRow = MarketingMasks & {
  excluded_until: Date | null;
  excluded_note: string;
  blocked_note: string;
} & Record<`${string}_set_at`, Date | null>;

type FieldRow = {
  id: string;
  name: string;
  type: CustomFieldType;
  text_value: string | null;
  int_value: string | null;
};

/** Gathers what is kept of a player: for the player, who may ask for it, and for support. */
@Injectable()
export class PlayerExportService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly catalogue: BrandCatalogue,
  ) {}

  /** Everything, as of one instant; user_not_found when the brand does not know the player. */
  async read(brandId: number, playerId: string): Promise<PlayerExport> {
    const brand = await this.catalogue.get(brandId);
    return this.dataSource.transaction('REPEATABLE READ', async (manager) => {
      const rows = <T>(statement: string) => manager.query<T[]>(statement, [brandId, playerId]);
      const [state] = await rows<StateRow>(statements.readConsentTimes);
      if (!state) throw new AppError('user_not_found');
      const [profile] = await rows<ExportedProfile>(statements.readProfile);
      const [credentials] = await rows<ExportedCredentials>(statements.readCredentials);
      const universal = await rows<Omit<ExportedUniversalConsent, 'level'> & { level: number }>(
        statements.readUniversalConsents,
      );
      const messages = await rows<Omit<ExportedMessage, 'kind'> & { kind: number }>(statements.readMessages);
      return {
        exportedAt: new Date(),
        profile: profile ?? null,
        credentials: credentials ?? null,
        consents: toConsents(brand, state),
        marketingForm: (await rows<ExportedMarketingForm>(statements.readMarketingForm))[0] ?? null,
        blocks: toBlocks(state),
        customFields: (await rows<FieldRow>(statements.readCustomFields)).map(toField),
        universalConsents: universal.map((row) => ({ ...row, level: levelName(row.level) })),
        policyConsents: await rows<ExportedPolicyConsent>(statements.readPolicyConsents),
        events: (await rows<TimelineRow>(statements.readEvents)).map((row) => toTimelineEvent(brand, row)),
        changes: await rows<ExportedChange>(statements.readChanges),
        sessions: await rows<ExportedSession>(statements.readSessions),
        codes: await rows<ExportedCode>(statements.readCodes),
        links: await rows<ExportedLink>(statements.readLinks),
        activity: (await rows<ExportedActivity>(statements.readActivity))[0] ?? null,
        play: await rows<ExportedPlay>(statements.readPlay),
        games: await rows<ExportedGame>(statements.readGames),
        messages: messages.map((row) => ({ ...row, kind: outboxKindName(row.kind) })),
      };
    });
  }
}

function toConsents(brand: BrandSettings, state: StateRow): ExportedConsent[] {
  return (Object.keys(Channel) as ChannelName[]).map((channel) => ({
    ...readConsent(brand, state, channel),
    set_at: state[`${stateColumns[channel]}_set_at`] ?? null,
  }));
}

function toBlocks(state: StateRow): ExportedBlocks {
  const { excluded, blocked } = state;
  return {
    excluded: {
      active: excluded,
      note: excluded ? state.excluded_note : '',
      until: excluded ? state.excluded_until : null,
    },
    blocked: { active: blocked, note: state.blocked_note },
  };
}

function toField(row: FieldRow): CustomFieldView {
  const value = row.int_value === null ? row.text_value : Number(row.int_value);
  return { id: row.id, name: row.name, type: row.type, value };
}
