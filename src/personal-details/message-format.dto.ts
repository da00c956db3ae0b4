import { ApiProperty } from '@nestjs/swagger';
import { type MessageType, messageTypes } from '../common/message-format.js';
import type { ShownMessage } from './message-formats.js';

/** A message as a site shows it. */
export class MessageDto {
  @ApiProperty({ enum: messageTypes })
  type: MessageType;

  /** @example Check your e-mail */
  title: string;

  content: string;

  /** @example OK */
  button_1_text: string;
}

/** A message as a site shows it. */
export function toMessageDto(message: ShownMessage): MessageDto {
  return {
    type: message.type,
    title: message.title,
    content: message.content,
    button_1_text: message.button_1_text,
  };
}
