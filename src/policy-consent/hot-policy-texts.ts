import { Injectable } from '@nestjs/common';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { presentsCredential } from '../auth/credentials.js';
import { carriesBody } from '../common/request-bodies.js';
import { PolicyCatalogue, type PublishedText } from '../consents/policies/policy-catalogue.js';

const path = '/api/policyconsent/policy';
const rememberedUrls = 1000;

/**
 * What URLs ask for, once they have been read in the ordinary way. By far the most readers of a text bring nothing but a URL that
 * others have sent before, and the text is in memory: they shall not pay for guards, pipes and parsers.
 */
@Injectable()
export class HotPolicyTexts {
  private readonly asked = new Map<string, { policyId: string; language: string | undefined }>();

  constructor(private readonly policies: PolicyCatalogue) {}

  /** Notes what a request has asked for, if its URL says all of it. */
  note(request: FastifyRequest, policyId: string, language: string | undefined): void {
    if (!isUrlAlone(request) || this.asked.has(request.url)) return;
    if (this.asked.size >= rememberedUrls) this.asked.clear();
    this.asked.set(request.url, { policyId, language });
  }

  /** The text that a request asks for, if that is known already; null where it has to go the ordinary way. */
  find(request: FastifyRequest): PublishedText | null {
    const asked = this.asked.get(request.url);
    return asked && isUrlAlone(request) ? this.policies.peekText(asked.policyId, asked.language) : null;
  }
}

/** Answers hot texts as soon as the request's address has been counted; to be called before there are any routes. */
export function answerHotTexts(fastify: FastifyInstance, prefix: string, texts: HotPolicyTexts): void {
  fastify.addHook('onRoute', (route) => {
    if (route.url !== prefix + path || route.method !== 'GET') return;
    const answer = (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
      const text = texts.find(request);
      if (text) sendText(request, reply, text);
      else done();
    };
    route.onRequest = [route.onRequest ?? [], answer].flat();
  });
}

/** Sends a text, or to whoever has it that it is still the same. */
export function sendText(request: FastifyRequest, reply: FastifyReply, text: PublishedText): void {
  void reply.headers({
    'content-type': 'application/json; charset=utf-8',
    'content-language': text.language,
    'cache-control': 'no-cache',
    etag: text.etag,
  });
  if (isKnown(request.headers['if-none-match'], text.etag)) void reply.status(304).send();
  else void reply.send(text.body);
}

/** Whether If-None-Match names what would be sent; a proxy that compresses marks the tag as weak. */
function isKnown(header: string | undefined, etag: string): boolean {
  if (header === undefined || header === etag) return header === etag;
  const tags = header.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}

function isUrlAlone(request: FastifyRequest): boolean {
  return !presentsCredential(request.headers) && !carriesBody(request);
}
