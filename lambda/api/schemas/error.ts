import * as z from 'zod';

/** Every answer above 399, except those of API Gateway itself. */
export const error = z
  .object({ error: z.object({ code: z.string(), message: z.string() }) })
  .meta({ id: 'Error', description: '`code` is for programs and stays; `message` is for people.' });
