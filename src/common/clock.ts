import { Injectable } from '@nestjs/common';

/** The time that rules rest on; tests give another. */
@Injectable()
export class Clock {
  now(): Date {
    return new Date();
  }
}
