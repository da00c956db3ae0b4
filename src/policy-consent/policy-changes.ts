import { Injectable } from '@nestjs/common';
import { type KnownPolicy, PolicyCatalogue } from '../consents/policies/policy-catalogue.js';
import { diffPolicyHtml } from '../consents/policies/policy-diff-html.js';
import type { PublishedVersion } from '../consents/policies/policy.js';

const rememberedLength = 8_000_000;

/** What changed between published versions. They never change, so that what anybody may ask for is worked out once. */
@Injectable()
export class PolicyChanges {
  private readonly memory = new Map<string, string>();
  private length = 0;

  constructor(private readonly policies: PolicyCatalogue) {}

  /** The later text in a language that both have, with what is new in `<ins>` and what is gone in `<del>`. */
  async get(
    policy: KnownPolicy,
    earlier: PublishedVersion,
    later: PublishedVersion,
    language: string,
  ): Promise<string> {
    const key = JSON.stringify([policy.id, earlier.version, later.version, language]);
    const known = this.memory.get(key);
    if (known !== undefined) return known;
    const before = await this.policies.getText(policy, earlier, language);
    const after = await this.policies.getText(policy, later, language);
    const html = diffPolicyHtml(before.html, after.html);
    if (this.length + html.length > rememberedLength) {
      this.memory.clear();
      this.length = 0;
    }
    this.memory.set(key, html);
    this.length += html.length;
    return html;
  }
}
