import { endingsOf } from './support/endings.ts';
import { interventionsOf } from './support/interventions.ts';

endingsOf('DaemonSet');
interventionsOf('DaemonSet');
