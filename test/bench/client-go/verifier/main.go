// The least that verifies a rollout from inside: for each new pod with the gate one exec, and its condition when that has passed. It stores nothing,
// counts nothing, limits nothing and falls back to nothing; a bench compares the operator with it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/util/workqueue"
)

type verifier struct {
	config  *rest.Config
	client  kubernetes.Interface
	gate    v1.PodConditionType
	command []string
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "kubeconfig file")
	namespace := flag.String("namespace", "", "namespace of the pods")
	gate := flag.String("gate", "", "readiness gate of the pods to verify")
	command := flag.String("command", "/bin/true", "command and its arguments, with commas")
	atOnce := flag.Int("at-once", 16, "commands at once")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	config.QPS = -1
	verifier := verifier{config, kubernetes.NewForConfigOrDie(config), v1.PodConditionType(*gate), strings.Split(*command, ",")}
	verifier.run(*namespace, *atOnce)
}

func (v verifier) run(namespace string, atOnce int) {
	factory := informers.NewSharedInformerFactoryWithOptions(v.client, 0, informers.WithNamespace(namespace))
	pods := factory.Core().V1().Pods()
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]())
	enqueue := func(object any) {
		if pod, ok := object.(*v1.Pod); ok && v.awaits(pod) {
			queue.Add(pod.Name)
		}
	}
	_, _ = pods.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    enqueue,
		UpdateFunc: func(_, object any) { enqueue(object) },
	})
	factory.Start(context.Background().Done())
	factory.WaitForCacheSync(context.Background().Done())
	fmt.Println("synced")
	for range atOnce {
		go func() {
			for {
				name, _ := queue.Get()
				pod, err := pods.Lister().Pods(namespace).Get(name)
				if err == nil && v.awaits(pod) {
					err = v.verify(pod)
				}
				queue.Done(name)
				if err != nil {
					fmt.Fprintln(os.Stderr, name, err)
					queue.AddRateLimited(name)
				} else {
					queue.Forget(name)
				}
			}
		}()
	}
	// Until its parent ends it.
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// awaits tells whether a pod has the gate, runs, and has no verdict yet.
func (v verifier) awaits(pod *v1.Pod) bool {
	gated := false
	for _, gate := range pod.Spec.ReadinessGates {
		gated = gated || gate.ConditionType == v.gate
	}
	return gated && pod.DeletionTimestamp == nil && isTrue(pod, v1.ContainersReady) && !isTrue(pod, v.gate)
}

func isTrue(pod *v1.Pod, kind v1.PodConditionType) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == kind {
			return condition.Status == v1.ConditionTrue
		}
	}
	return false
}

func (v verifier) verify(pod *v1.Pod) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	options := &v1.PodExecOptions{Container: pod.Spec.Containers[0].Name, Command: v.command, Stdout: true, Stderr: true}
	url := v.client.CoreV1().RESTClient().Post().Resource("pods").Namespace(pod.Namespace).Name(pod.Name).SubResource("exec").VersionedParams(options, scheme.ParameterCodec).URL()
	executor, err := remotecommand.NewWebSocketExecutor(v.config, "GET", url.String())
	if err != nil {
		return err
	}
	if err := executor.StreamWithContext(ctx, remotecommand.StreamOptions{Stdout: io.Discard, Stderr: io.Discard}); err != nil {
		return err
	}
	patch := fmt.Sprintf(`{"metadata":{"uid":%q},"status":{"conditions":[{"type":%q,"status":"True","lastTransitionTime":%q}]}}`,
		pod.UID, v.gate, time.Now().UTC().Format(time.RFC3339))
	_, err = v.client.CoreV1().Pods(pod.Namespace).Patch(ctx, pod.Name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{}, "status")
	return err
}
