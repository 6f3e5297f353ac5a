/** One program for each state that supervisord knows. In SONiC `start` has startsecs=0 and autorestart=false. */
export const programs = `
[program:good]
command=sh -c 'exit 0'
startsecs=0
autorestart=false
[program:failed]
command=sh -c 'exit 3'
startsecs=0
autorestart=false
[program:signalled]
command=sh -c 'kill -SEGV $$'
startsecs=0
autorestart=false
[program:running]
command=sleep 3600
startsecs=0
[program:starting]
command=sleep 3600
startsecs=3600
[program:backoff]
command=sh -c 'exit 1'
startretries=1000
[program:crashing]
command=sh -c 'exit 1'
startretries=0
[program:absent_file]
command=/nonexistent/start.sh
startretries=0
[program:never]
command=sleep 3600
autostart=false
[program:stopped]
command=sleep 3600
startsecs=0
[program:stopping]
command=sh -c 'trap : TERM; while :; do sleep 1; done'
startsecs=0
stopwaitsecs=3600
[program:failing_loop]
command=sh -c 'sleep 0.1; exit 4'
startsecs=0
autorestart=true
[program:passing_loop]
command=sh -c 'exit 0'
startsecs=0
autorestart=true
[program:grouped_good]
command=sh -c 'exit 0'
startsecs=0
autorestart=false
[program:grouped_failed]
command=sh -c 'exit 5'
startsecs=0
autorestart=false
[program:grouped_many]
command=sh -c 'exit %(process_num)d'
process_name=%(program_name)s_%(process_num)02d
numprocs=2
startsecs=0
autorestart=false
[group:grp]
programs=grouped_good,grouped_failed,grouped_many
[program:many_good]
command=sh -c 'exit 0'
process_name=%(program_name)s_%(process_num)02d
numprocs=2
startsecs=0
autorestart=false
[program:many_failed]
command=sh -c 'exit %(process_num)d'
process_name=%(program_name)s_%(process_num)02d
numprocs=2
startsecs=0
autorestart=false
`;

/** The states to wait for before the table below holds. */
export const settled = {
  good: 'EXITED',
  failed: 'EXITED',
  signalled: 'EXITED',
  running: 'RUNNING',
  starting: 'STARTING',
  backoff: 'BACKOFF',
  crashing: 'FATAL',
  absent_file: 'FATAL',
  never: 'STOPPED',
  stopped: 'RUNNING',
  stopping: 'RUNNING',
  grouped_good: 'EXITED',
  grouped_failed: 'EXITED',
  grouped_many_01: 'EXITED',
  many_good_01: 'EXITED',
  many_failed_01: 'EXITED',
};

/** What the probe must say about one program. An empty `exitstatus` means that it depends on the moment. */
export interface Row {
  situation: string;
  service: string;
  code: number;
  state: RegExp;
  exitstatus: string;
  says: RegExp;
}

export const rows: readonly Row[] = [
  {
    situation: 'ended with status 0 is ready',
    service: 'good',
    code: 0,
    state: /^EXITED$/,
    exitstatus: '0',
    says: /ready/,
  },
  {
    situation: 'ended with status 3 is not ready',
    service: 'failed',
    code: 2,
    state: /^EXITED$/,
    exitstatus: '3',
    says: /failed ended with exit status 3/,
  },
  {
    situation: 'killed by a signal is not ready',
    service: 'signalled',
    code: 2,
    state: /^EXITED$/,
    exitstatus: '-1',
    says: /killed by a signal/,
  },
  {
    situation: 'still running is not ready',
    service: 'running',
    code: 2,
    state: /^RUNNING$/,
    exitstatus: '-',
    says: /running is RUNNING \(pid \d+, /,
  },
  {
    situation: 'starting is not ready',
    service: 'starting',
    code: 2,
    state: /^STARTING$/,
    exitstatus: '-',
    says: /is STARTING \(no details\)/,
  },
  {
    situation: 'in a quick crash loop is not ready',
    service: 'backoff',
    code: 2,
    state: /^(BACKOFF|STARTING)$/,
    exitstatus: '-',
    says: /is (BACKOFF \(Exited too quickly|STARTING)/,
  },
  {
    situation: 'given up after crashes is not ready',
    service: 'crashing',
    code: 2,
    state: /^FATAL$/,
    exitstatus: '-',
    says: /FATAL \(Exited too quickly/,
  },
  {
    situation: 'whose file is missing is not ready',
    service: 'absent_file',
    code: 2,
    state: /^FATAL$/,
    exitstatus: '-',
    says: /FATAL \(can't find command '\/nonexistent/,
  },
  {
    situation: 'never started is not ready',
    service: 'never',
    code: 2,
    state: /^STOPPED$/,
    exitstatus: '-',
    says: /STOPPED \(Not started\)/,
  },
  {
    situation: 'stopped by hand is not ready',
    service: 'stopped',
    code: 2,
    state: /^STOPPED$/,
    exitstatus: '-',
    says: /is STOPPED/,
  },
  {
    situation: 'being stopped is not ready',
    service: 'stopping',
    code: 2,
    state: /^STOPPING$/,
    exitstatus: '-',
    says: /is STOPPING/,
  },
  {
    situation: 'failing and restarted for ever is not ready',
    service: 'failing_loop',
    code: 2,
    state: /^(RUNNING|STARTING|EXITED)$/,
    exitstatus: '',
    says: /failing_loop/,
  },
  {
    situation: 'that is not configured is skipped',
    service: 'start',
    code: 0,
    state: /^NONE$/,
    exitstatus: '-',
    says: /ready/,
  },
  {
    situation: 'in a group, ended with 0, is ready',
    service: 'grouped_good',
    code: 0,
    state: /^EXITED$/,
    exitstatus: '0',
    says: /ready/,
  },
  {
    situation: 'in a group, ended with 5, is not ready',
    service: 'grouped_failed',
    code: 2,
    state: /^EXITED$/,
    exitstatus: '5',
    says: /grp:grouped_failed ended with exit status 5/,
  },
  {
    situation: 'in a group, several times, is not ready when one failed',
    service: 'grouped_many',
    code: 2,
    state: /^EXITED$/,
    exitstatus: '1',
    says: /grp:grouped_many_01/,
  },
  {
    situation: 'run several times is ready when all ended with 0',
    service: 'many_good',
    code: 0,
    state: /^EXITED$/,
    exitstatus: '0',
    says: /ready/,
  },
  {
    situation: 'run several times is not ready when one failed',
    service: 'many_failed',
    code: 2,
    state: /^EXITED$/,
    exitstatus: '1',
    says: /many_failed:many_failed_01 ended with exit status 1/,
  },
];
