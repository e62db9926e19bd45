/** Where the program under test of this worker listens, and the proxy, which all share. */

import { port, portOfWorker, worker } from '../fixtures/index.ts';

export const ports = {
  /** As in `fixtures/sites.ts`. */
  sites: portOfWorker(port('HANDOFF_LAB_E2E_PORT', 4100), worker),
  /** Not 4009, like the sites. */
  ops: portOfWorker(port('HANDOFF_LAB_E2E_OPS_PORT', 4109), worker),
  /** The proxy that turns scripts off. */
  proxy: port('HANDOFF_LAB_E2E_PROXY_PORT', 4110),
};
