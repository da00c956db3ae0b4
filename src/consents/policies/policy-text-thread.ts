import { isMainThread, parentPort } from 'node:worker_threads';
import { diffPolicyTexts } from './policy-diff.js';
import { diffPolicyHtml } from './policy-diff-html.js';
import { compilePolicyText, UnreadableText } from './policy-html.js';

/** What is done with texts, and takes as long as they are. */
export const textTasks = {
  compile: compilePolicyText,
  diffHtml: diffPolicyHtml,
  diffTexts: diffPolicyTexts,
};
export type TextTasks = typeof textTasks;

/** What a thread is asked for: one of the tasks, and what it takes. */
export interface TextJob {
  task: keyof TextTasks;
  input: unknown[];
}

/** What came of it: a result, or why the text cannot be read. */
export type TextOutcome = { result: unknown } | { unreadable: string };

if (!isMainThread)
  parentPort?.on('message', ({ task, input }: TextJob) => parentPort?.postMessage(run(task, input)));

function run(task: keyof TextTasks, input: unknown[]): TextOutcome {
  try {
    return { result: (textTasks[task] as (...given: unknown[]) => unknown)(...input) };
  } catch (error) {
    if (error instanceof UnreadableText) return { unreadable: error.message };
    throw error;
  }
}
