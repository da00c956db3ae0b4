import { Injectable } from '@nestjs/common';
import { type KnownPolicy, PolicyCatalogue } from '../consents/policies/policy-catalogue.js';
import { PolicyTextWorker } from '../consents/policies/policy-text-worker.js';
import type { PublishedVersion } from '../consents/policies/policy.js';

const rememberedLength = 8_000_000;

/** What changed between published versions. They never change, so that what anybody may ask for is worked out once. */
@Injectable()
export class PolicyChanges {
  private readonly memory = new Map<string, string>();
  private readonly underWay = new Map<string, Promise<string>>();
  private length = 0;

  constructor(
    private readonly policies: PolicyCatalogue,
    private readonly worker: PolicyTextWorker,
  ) {}

  /** The later text in a language that both have, with what is new in `<ins>` and what is gone in `<del>`. */
  async get(
    policy: KnownPolicy,
    earlier: PublishedVersion,
    later: PublishedVersion,
    language: string,
  ): Promise<string> {
    const key = JSON.stringify([policy.id, earlier.version, later.version, language]);
    const known = this.memory.get(key) ?? this.underWay.get(key);
    if (known !== undefined) return known;
    const work = this.compare(policy, [earlier, later], language).finally(() => this.underWay.delete(key));
    this.underWay.set(key, work);
    const html = await work;
    this.remember(key, html);
    return html;
  }

  private async compare(
    policy: KnownPolicy,
    [earlier, later]: [PublishedVersion, PublishedVersion],
    language: string,
  ): Promise<string> {
    const before = await this.policies.getText(policy, earlier, language);
    const after = await this.policies.getText(policy, later, language);
    return this.worker.diffHtml(before.html, after.html);
  }

  private remember(key: string, html: string): void {
    if (this.length + html.length > rememberedLength) {
      this.memory.clear();
      this.length = 0;
    }
    this.memory.set(key, html);
    this.length += html.length;
  }
}
