const colourPattern = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/;

/**
 * A brand's colour and the one of black and white that is read best on it, as a style sheet: the contrast is 4.5 or more whatever the
 * colour is. Throws when it is no such colour.
 *
 * @param colour as #rrggbb
 */
export function brandStyle(colour: string): string {
  const channels = colourPattern.exec(colour)?.slice(1);
  if (!channels) throw new Error('a colour must be written as #rrggbb');
  const [red = 0, green = 0, blue = 0] = channels.map((hex) => linear(Number.parseInt(hex, 16) / 255));
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  // WCAG's contrast ratio with white, against that with black.
  const onIt = 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 ? '#fff' : '#000';
  return `:root{--brand:${colour};--on-brand:${onIt}}`;
}

function linear(value: number): number {
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
}
