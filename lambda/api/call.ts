import type { HttpRequest } from '../shared/http.ts';
import type { ApiDeployment } from './api-deployment.ts';
import type { Caller } from './authorize.ts';

/** A request to a route that its caller may use. */
export interface Call {
  request: HttpRequest;
  /** The first group of the route's path; empty if it has none. */
  parameter: string;
  caller: Caller;
  deployment: ApiDeployment;
}
