/** A player's id as the gateway prints it: a number where it is one that comes back as it was, else the text. */
export function printPlayerId(playerId: string): number | string {
  const number = Number(playerId);
  const isKept = /^\d+$/.test(playerId) && Number.isSafeInteger(number) && String(number) === playerId;
  return isKept ? number : playerId;
}
