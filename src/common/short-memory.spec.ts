import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ShortMemory } from './short-memory.js';

let memory: ShortMemory<string, number>;
let reads: number;

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
  memory = new ShortMemory(3);
  reads = 0;
});
afterEach(() => void jest.useRealTimers());

const next = async () => ++reads;

describe('ShortMemory', () => {
  it('reads a key again after five seconds, and not before', async () => {
    expect(await memory.find('a', next)).toBe(1);
    jest.setSystemTime(4999);
    expect(await memory.find('a', next)).toBe(1);
    jest.setSystemTime(5000);
    expect(await memory.find('a', next)).toBe(2);
  });

  it('lets readers at the same time share one read', async () => {
    expect(await Promise.all([memory.find('a', next), memory.find('a', next)])).toEqual([1, 1]);
    expect(await memory.find('b', next)).toBe(2);
  });

  it('remembers neither a failure nor that there is nothing', async () => {
    await expect(memory.find('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect(await memory.find('a', async () => null)).toBeNull();
    expect(await memory.find('a', next)).toBe(1);
  });

  it('forgets at once, also what is still being read', async () => {
    let answer: (value: number | null) => void = () => undefined;
    const slow = memory.find('a', () => new Promise((resolve) => (answer = resolve)));
    memory.forget('a');
    expect(await memory.find('a', next)).toBe(1);
    answer(null);
    expect(await slow).toBeNull();
    expect(await memory.find('a', next)).toBe(1);
  });

  it('does not grow beyond its size', async () => {
    for (const key of ['a', 'b', 'c', 'd']) await memory.find(key, next);
    expect(await memory.find('d', next)).toBe(4);
    expect(await memory.find('a', next)).toBe(5);
  });
});
