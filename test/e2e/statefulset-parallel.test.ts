import { endingsOf } from './support/endings.ts';
import { interventionsOf } from './support/interventions.ts';

endingsOf('StatefulSet Parallel');
interventionsOf('StatefulSet Parallel');
