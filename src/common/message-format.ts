/** How a message is meant. */
export const messageTypes = ['success', 'info', 'error'] as const;
export type MessageType = (typeof messageTypes)[number];

/** A message for players, as sites show it: named by answers, worded here. */
export interface MessageFormat {
  type: MessageType;
  title: string;
  content: string;
  button_1_text: string;
}

/** A brand's own messages: by name, then by language. */
export type MessageFormats = Record<string, Record<string, MessageFormat>>;
