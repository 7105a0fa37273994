// Command conformance answers, for each line of stdin, what the official evaluator of the Pod Security
// Standards says about the pod in it. It shares no code with the program that it judges.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	kjson "sigs.k8s.io/json"
)

// A pod to judge at every one of the versions.
type question struct {
	// "latest" or "v1.N".
	Versions []string `json:"versions"`
	// Whether it is the template of a workload, not a pod of its own.
	Template bool            `json:"template"`
	Pod      json.RawMessage `json:"pod"`
}

type pod struct {
	Metadata metav1.ObjectMeta `json:"metadata"`
	Spec     corev1.PodSpec    `json:"spec"`
}

// What forbids the pod, by version: the ids of checks, none where it is allowed.
type answer struct {
	Baseline   [][]string `json:"baseline,omitempty"`
	Restricted [][]string `json:"restricted,omitempty"`
	// Why the API server would not even read it.
	Error string `json:"error,omitempty"`
}

func main() {
	evaluator, err := policy.NewEvaluator(named(policy.DefaultChecks()), nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	defer out.Flush()
	lines, answers := json.NewDecoder(in), json.NewEncoder(out)
	for lines.More() {
		var asked question
		if err := lines.Decode(&asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if err := answers.Encode(judge(evaluator, asked)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// named puts each check's id in front of its reason, which is the only way that an evaluator tells it.
func named(checks []policy.Check) []policy.Check {
	for i := range checks {
		id := string(checks[i].ID)
		for j := range checks[i].Versions {
			check := checks[i].Versions[j].CheckPod
			checks[i].Versions[j].CheckPod = func(m *metav1.ObjectMeta, s *corev1.PodSpec) policy.CheckResult {
				result := check(m, s)
				result.ForbiddenReason = id + " " + result.ForbiddenReason
				return result
			}
		}
	}
	return checks
}

func judge(evaluator policy.Evaluator, asked question) answer {
	var read pod
	// As the API server reads: keys in their exact case, unknown ones passed over.
	if err := kjson.UnmarshalCaseSensitivePreserveInts(asked.Pod, &read); err != nil {
		return answer{Error: err.Error()}
	}
	fillIn(&read.Spec, asked.Template)
	var said answer
	for _, text := range asked.Versions {
		version, err := api.ParseVersion(text)
		if err != nil {
			return answer{Error: err.Error()}
		}
		at := func(level api.Level) []string {
			forbidding := []string{}
			at := api.LevelVersion{Level: level, Version: version}
			for _, result := range evaluator.EvaluatePod(at, &read.Metadata, &read.Spec) {
				if !result.Allowed {
					id, _, _ := strings.Cut(result.ForbiddenReason, " ")
					forbidding = append(forbidding, id)
				}
			}
			sort.Strings(forbidding)
			return forbidding
		}
		said.Baseline = append(said.Baseline, at(api.LevelBaseline))
		said.Restricted = append(said.Restricted, at(api.LevelRestricted))
	}
	return said
}

// fillIn does what the API server does before it asks the evaluator, as far as a check can see it: a volume
// without a source is an emptyDir, and in a pod on the node's network a container's port is the node's too.
func fillIn(spec *corev1.PodSpec, template bool) {
	for i := range spec.Volumes {
		if spec.Volumes[i].VolumeSource == (corev1.VolumeSource{}) {
			spec.Volumes[i].EmptyDir = &corev1.EmptyDirVolumeSource{}
		}
	}
	if template || !spec.HostNetwork {
		return
	}
	for _, containers := range [][]corev1.Container{spec.Containers, spec.InitContainers} {
		for i := range containers {
			for j := range containers[i].Ports {
				if port := &containers[i].Ports[j]; port.HostPort == 0 {
					port.HostPort = port.ContainerPort
				}
			}
		}
	}
}
