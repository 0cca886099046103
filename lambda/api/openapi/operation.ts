import type * as z from 'zod';
import type { Access } from '../authorize.ts';

/** One route of the API, as the OpenAPI document describes it. */
export interface Operation {
  method: 'get' | 'post';
  /** With names in braces: `/v1/jobs/{id}`. */
  path: string;
  operationId: string;
  tag: 'Mappings' | 'Admission' | 'Jobs' | 'Webhooks' | 'Service';
  summary: string;
  description?: string;
  access: Access;
  /** What the names in the path stand for. */
  parameters?: Record<string, z.ZodType>;
  query?: z.ZodObject;
  body?: { schema: z.ZodObject; isOptional?: boolean; example: unknown };
  answer: Answer;
  /** Whether a GET has an entity tag, so that 304 is an answer, too. */
  isConditional?: boolean;
  /** Codes of errors by status, each with its meaning; those that access brings are added. */
  errors?: Record<number, Record<string, string>>;
}

/** What a route answers if all is well. */
export interface Answer {
  status: 200 | 202;
  description: string;
  /** Of the answer as JSON; absent: it is only there as one of `texts`. */
  schema?: z.ZodType;
  /** Other media types that the answer may have, as text. */
  texts?: string[];
  /** When the answer is a redirect, 302, instead. */
  redirect?: string;
}
