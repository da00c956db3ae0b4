import { Transform } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray } from 'class-validator';
import { IgnoreUnknownKeys, QuickCheck } from '../common/validation.pipe.js';
import type { CrmChannel } from '../consents/channels.js';

const maxLinks = 10_000;
/** One more than the limit is enough to be refused. */
const cut = ({ value }: { value: unknown }): unknown =>
  Array.isArray(value) ? value.slice(0, maxLinks + 1) : value;

/** What a link is for. */
export class LinkToMintDto {
  /** @example 1001 */
  player_id: string;

  /** @example email */
  channel: CrmChannel;

  /**
   * A product of the brand, or an alias; without it, the link is for the whole channel.
   * @example casino
   */
  product?: string;

  /**
   * Your word for the mailing, kept with the event: up to 100 characters.
   * @example spring-2026
   */
  campaign?: string;
}

// The service checks each link: the rules of a class would take longer than making them.
@QuickCheck(({ links }) => Array.isArray(links) && links.length > 0 && links.length <= maxLinks)
@IgnoreUnknownKeys()
export class CreateLinksDto {
  /** One link or up to 10,000. */
  @Transform(cut)
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(maxLinks)
  links: LinkToMintDto[];
}

export class LinkDto {
  /** @example 1001 */
  player_id: string;

  /** @example https://consent.example/unsubscribe/Rk0wYx… */
  url: string;
}

export class LinksDto {
  /** In the order they were asked for. */
  links: LinkDto[];
}

/** The links that were made, each with its player. */
export function toLinksDto(asked: readonly LinkToMintDto[], urls: readonly string[]): LinksDto {
  return { links: asked.map(({ player_id }, index) => ({ player_id, url: urls[index] ?? '' })) };
}
