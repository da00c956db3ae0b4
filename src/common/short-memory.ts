const maxAgeMs = 5000;

/**
 * What was read a moment ago: at most 5 s old, and read again at once after `forget`. Readers at the same time share one
 * read. A read that fails or finds nothing is not remembered.
 */
export class ShortMemory<Key, Value> {
  private readonly entries = new Map<Key, { readAt: number; value: Promise<Value | null> }>();

  /** Remembers so many keys, then starts afresh. */
  constructor(private readonly maxEntries = 10_000) {}

  /** The value of the key, from memory or by the given read. Rejects as the read does. */
  find(key: Key, read: () => Promise<Value | null>): Promise<Value | null> {
    const known = this.entries.get(key);
    if (known && Date.now() - known.readAt < maxAgeMs) return known.value;
    const entry = { readAt: Date.now(), value: read() };
    if (this.entries.size >= this.maxEntries) this.entries.clear();
    this.entries.set(key, entry);
    const drop = () => {
      // After a `forget` another read may stand in its place.
      if (this.entries.get(key) === entry) this.entries.delete(key);
    };
    entry.value.then((value) => value ?? drop(), drop);
    return entry.value;
  }

  /** Drops what is remembered of a key, after a change of it. */
  forget(key: Key): void {
    this.entries.delete(key);
  }
}
