import { ValidateIf } from 'class-validator';

/** The key may be absent; when it is there it must be valid, null included (which IsOptional would let through). */
export const IfGiven = () => ValidateIf((_object, value) => value !== undefined);
