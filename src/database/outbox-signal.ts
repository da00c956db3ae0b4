import { EventEmitter } from 'node:events';
import { Injectable } from '@nestjs/common';

/**
 * What is new: a player's marketing consents or blocks, which concern the CRM and webhooks; records of universal and policy
 * consents, which concern webhooks alone; or anything. The first two come by the thousand and concern no mail.
 */
export type OutboxNews = 'consents' | 'records' | 'anything';

/** Raised after the commit of anything that wrote to the outbox, so that it leaves at once and not at the next poll. */
@Injectable()
export class OutboxSignal {
  private readonly emitter = new EventEmitter().setMaxListeners(100);

  /** Says that the outbox of a brand has something new. Never throws, never waits. */
  raise(brandId: number, news: OutboxNews = 'anything'): void {
    this.emitter.emit('raised', brandId, news);
  }

  /** Calls the listener with the brand, each time; answers how to stop. */
  listen(listener: (brandId: number, news: OutboxNews) => void): () => void {
    this.emitter.on('raised', listener);
    return () => this.emitter.off('raised', listener);
  }
}
