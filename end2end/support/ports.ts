/** Where the program under test and the proxy listen. */

import { port } from '../fixtures/index.ts';

export const ports = {
  /** As in `fixtures/sites.ts`. */
  sites: port('HANDOFF_LAB_E2E_PORT', 4100),
  /** Not 4009, like the sites. */
  ops: port('HANDOFF_LAB_E2E_OPS_PORT', 4109),
  /** The proxy that turns scripts off. */
  proxy: port('HANDOFF_LAB_E2E_PROXY_PORT', 4110),
};
