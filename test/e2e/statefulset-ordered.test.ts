import { endingsOf } from './support/endings.ts';
import { interventionsOf } from './support/interventions.ts';

endingsOf('StatefulSet OrderedReady');
interventionsOf('StatefulSet OrderedReady');
