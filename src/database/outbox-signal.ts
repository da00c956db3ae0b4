import { EventEmitter } from 'node:events';
import { Injectable } from '@nestjs/common';

/** Raised after the commit of anything that wrote to the outbox, so that it leaves at once and not at the next poll. */
@Injectable()
export class OutboxSignal {
  private readonly emitter = new EventEmitter().setMaxListeners(100);

  /** Says that the outbox of a brand has something new. Never throws, never waits. */
  raise(brandId: number): void {
    this.emitter.emit('raised', brandId);
  }

  /** Calls the listener with the brand, each time; answers how to stop. */
  listen(listener: (brandId: number) => void): () => void {
    this.emitter.on('raised', listener);
    return () => this.emitter.off('raised', listener);
  }
}
