// Execs the readiness script in pods over client-go's WebSocket executor, N tries with C at once, and prints one line of JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/remotecommand"
)

func try(config *rest.Config, client kubernetes.Interface, namespace, pod string) error {
	options := &v1.PodExecOptions{Container: "app", Command: []string{"/usr/bin/readiness_probe.sh"}, Stdout: true, Stderr: true}
	url := client.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name(pod).SubResource("exec").VersionedParams(options, scheme.ParameterCodec).URL()
	executor, err := remotecommand.NewWebSocketExecutor(config, "GET", url.String())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: io.Discard, Stderr: io.Discard})
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Sec+usage.Stime.Sec) + float64(usage.Utime.Usec+usage.Stime.Usec)/1e6
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "kubeconfig file")
	contextName := flag.String("context", "", "context in it")
	namespace := flag.String("namespace", "", "namespace of the pods")
	pods := flag.String("pods", "", "names, with commas")
	tries := flag.Int("tries", 100, "tries in all")
	atOnce := flag.Int("at-once", 1, "tries at once")
	warmUp := flag.Int("warm-up", 0, "tries before, which are not measured")
	flag.Parse()
	loading := &clientcmd.ClientConfigLoadingRules{ExplicitPath: *kubeconfig}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(loading, &clientcmd.ConfigOverrides{CurrentContext: *contextName}).ClientConfig()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	config.QPS = -1
	client := kubernetes.NewForConfigOrDie(config)
	names := strings.Split(*pods, ",")
	failed := 0
	run := func(count int) {
		work := make(chan int)
		var lock sync.Mutex
		var group sync.WaitGroup
		for range *atOnce {
			group.Go(func() {
				for i := range work {
					if err := try(config, client, *namespace, names[i%len(names)]); err != nil {
						lock.Lock()
						failed++
						lock.Unlock()
					}
				}
			})
		}
		for i := range count {
			work <- i
		}
		close(work)
		group.Wait()
	}
	run(*warmUp)
	cpu, began := cpuSeconds(), time.Now()
	run(*tries)
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"seconds": time.Since(began).Seconds(), "cpuSeconds": cpuSeconds() - cpu, "failed": failed})
}
