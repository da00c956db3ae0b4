import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsBoolean, IsIn, IsString, MaxLength, ValidateNested } from 'class-validator';
import type { ShownStatement } from '../brands/statement.js';
import { IfGiven } from '../common/if-given.js';
import { IsText } from '../common/is-text.js';
import { IgnoreUnknownKeys } from '../common/validation.pipe.js';
import { type GridChoice, gridChannels } from '../consents/marketing-grid.js';

type GridChannel = (typeof gridChannels)[number];

/** One box of the form. */
export class ProductPreferenceDto {
  /** @example casino */
  @IsText(100)
  product: string;

  @IsBoolean()
  opted_in: boolean;
}

/** A channel, product by product. */
export class ChannelPreferencesDto {
  @ApiProperty({ enum: gridChannels })
  @IsIn(gridChannels)
  channel: GridChannel;

  @IsArray()
  @ArrayMaxSize(100)
  @ValidateNested({ each: true })
  @Type(() => ProductPreferenceDto)
  products: ProductPreferenceDto[];

  /** The channel as a whole, in a brand that has no products. */
  @IfGiven()
  @IsBoolean()
  opted_in?: boolean;
}

@IgnoreUnknownKeys()
export class MarketingPreferencesChangesDto {
  /** The boxes as the player left them. What is not here stays as it is. */
  @IsArray()
  @ArrayMaxSize(10)
  @ValidateNested({ each: true })
  @Type(() => ChannelPreferencesDto)
  preferences: ChannelPreferencesDto[];

  /** The text that was shown, as it was answered. */
  @IfGiven()
  @IsString()
  @MaxLength(10_000)
  text?: string;

  /**
   * The version of the text that was shown. Nobody can be opted in without it.
   * @example default-1
   */
  @IfGiven()
  @IsText(100)
  textVersion?: string;
}

/** The whole form, as it stands. */
export class MarketingPreferencesDto {
  preferences: ChannelPreferencesDto[];

  /** What the player agrees to by ticking a box, to be shown with the form. */
  text: string;

  /** @example default-1 */
  textVersion: string;
}

/** The form of a player; of its channels those that are chosen product by product. */
export function toMarketingPreferencesDto(
  choices: readonly GridChoice[],
  { text, version }: ShownStatement,
): MarketingPreferencesDto {
  return {
    preferences: gridChannels.map((channel) => {
      const boxes = choices.filter((choice) => choice.channel === channel);
      const whole = boxes.find(({ product }) => product === null);
      return {
        channel,
        products: boxes.flatMap(({ product, optedIn }) =>
          product === null ? [] : [{ product, opted_in: optedIn }],
        ),
        ...(whole && { opted_in: whole.optedIn }),
      };
    }),
    text,
    textVersion: version,
  };
}

/** What a body says of the form's boxes. */
export function toChoices({ preferences }: MarketingPreferencesChangesDto): GridChoice[] {
  return preferences.flatMap(({ channel, products, opted_in: whole }) => [
    ...products.map(({ product, opted_in: optedIn }) => ({ channel, product, optedIn })),
    ...(whole === undefined ? [] : [{ channel, product: null, optedIn: whole }]),
  ]);
}
