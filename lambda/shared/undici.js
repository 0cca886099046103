/**
 * What stands for `undici` in the functions' bundles (`lib/function-bundle.ts`): only the parts
 * that they use. The package's own index loads all of it, which can't be left out of a bundle:
 * fetch, WebSocket, caches, mocks. Importing another name fails when a function is bundled.
 */
import request from '../../node_modules/undici/lib/api/api-request.js';
import buildConnector from '../../node_modules/undici/lib/core/connect.js';
import errors from '../../node_modules/undici/lib/core/errors.js';
import Agent from '../../node_modules/undici/lib/dispatcher/agent.js';
import Dispatcher from '../../node_modules/undici/lib/dispatcher/dispatcher.js';
import EnvHttpProxyAgent from '../../node_modules/undici/lib/dispatcher/env-http-proxy-agent.js';

// As the package's index does.
Dispatcher.prototype.request = request;

export { Agent, buildConnector, EnvHttpProxyAgent, errors };
