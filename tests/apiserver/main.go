// Command apiserver is a real kube-apiserver with its etcd, in one process, on the loopback address, for as long
// as stdin is open. For each line of stdin it answers whether the server would take the objects in a manifest: a
// dry run with strict validation of fields, so nothing is stored. It shares no code with the program that it judges.
// A line may ask instead for a file by which kubectl reaches the server, and then things are stored.
package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
	_ "time/tzdata" // CronJobs name time zones

	"go.etcd.io/etcd/server/v3/embed"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"sigs.k8s.io/yaml"
)

// A manifest to judge, as text.
type question struct {
	// A file to be written, for kubectl; then nothing is judged, and the answer is an empty list.
	Kubeconfig string `json:"kubeconfig"`
	// "privileged", "baseline" or "restricted": what the namespace asks for.
	Level string `json:"level"`
	// "latest" or "v1.N".
	Version string `json:"version"`
	Text    string `json:"text"`
}

// What the server says about one object; without Ok it was not asked.
type verdict struct {
	Document int    `json:"document"`
	Item     int    `json:"item"`
	Kind     string `json:"kind"`
	Ok       *bool  `json:"ok"`
	Message  string `json:"message,omitempty"`
	// Whether the pod is not at the level that was asked for.
	Forbidden bool `json:"forbidden"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	state, err := os.MkdirTemp("", "apiserver")
	if err != nil {
		return err
	}
	defer os.RemoveAll(state)
	server, err := start(state)
	if err != nil {
		return err
	}
	in, out := bufio.NewReaderSize(os.Stdin, 1<<20), bufio.NewWriter(os.Stdout)
	lines, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var asked question
		if err := lines.Decode(&asked); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		verdicts := []verdict{}
		if asked.Kubeconfig != "" {
			err = server.writeKubeconfig(asked.Kubeconfig)
		} else {
			verdicts, err = server.judge(asked)
		}
		if err != nil {
			return err
		}
		if err := answers.Encode(verdicts); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
	}
}

type server struct {
	address     string
	certificate []byte
	token       string
	client      *http.Client
	// By group and version, then by kind.
	resources map[string]map[string]metav1.APIResource
	// By name.
	namespaces map[string]bool
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// start runs etcd and the server, and waits until it is ready.
func start(state string) (*server, error) {
	store, err := startStore(state)
	if err != nil {
		return nil, err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	private := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	secret := make([]byte, 24)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	token := hex.EncodeToString(secret)
	keyFile, tokenFile := filepath.Join(state, "sa.key"), filepath.Join(state, "tokens.csv")
	if err := os.WriteFile(keyFile, private, 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(tokenFile, []byte(token+",judge,judge,system:masters\n"), 0o600); err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	command := app.NewAPIServerCommand()
	command.SetArgs([]string{
		"--etcd-servers=" + store,
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port),
		"--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.0.0.0/16",
		"--cert-dir=" + state, "--token-auth-file=" + tokenFile, "--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + keyFile, "--service-account-signing-key-file=" + keyFile,
		// These refuse an object only because another one is missing here.
		"--disable-admission-plugins=ServiceAccount,Priority,RuntimeClass",
		"--allow-privileged=true", "--enable-priority-and-fairness=false",
		"--max-requests-inflight=0", "--max-mutating-requests-inflight=0", "--profiling=false", "--v=0",
	})
	failed := make(chan error, 1)
	go func() { failed <- command.Execute() }()
	// The server makes its own certificate, which is the one to trust.
	server := &server{
		address:    fmt.Sprintf("https://127.0.0.1:%d", port),
		token:      token,
		resources:  map[string]map[string]metav1.APIResource{},
		namespaces: map[string]bool{},
	}
	for range 480 {
		select {
		case err := <-failed:
			return nil, fmt.Errorf("kube-apiserver ended: %v", err)
		case <-time.After(250 * time.Millisecond):
		}
		certificate, err := os.ReadFile(filepath.Join(state, "apiserver.crt"))
		roots := x509.NewCertPool()
		if err != nil || !roots.AppendCertsFromPEM(certificate) {
			continue
		}
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
		server.client = &http.Client{Transport: transport, Timeout: time.Minute}
		server.certificate = certificate
		if status, _, _, err := server.ask("GET", "/readyz", nil); err == nil && status == http.StatusOK {
			return server, nil
		}
	}
	return nil, errors.New("kube-apiserver is not ready after two minutes")
}

// writeKubeconfig writes what kubectl has to know to reach the server as somebody who may do everything.
func (s *server) writeKubeconfig(path string) error {
	named := func(key string, value any) []any { return []any{map[string]any{"name": "judge", key: value}} }
	text, err := json.Marshal(map[string]any{
		"apiVersion":      "v1",
		"kind":            "Config",
		"current-context": "judge",
		"clusters":        named("cluster", map[string]any{"server": s.address, "certificate-authority-data": s.certificate}),
		"users":           named("user", map[string]any{"token": s.token}),
		"contexts":        named("context", map[string]any{"cluster": "judge", "user": "judge"}),
	})
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

func startStore(state string) (string, error) {
	config := embed.NewConfig()
	config.Dir, config.LogLevel, config.UnsafeNoFsync = filepath.Join(state, "etcd"), "error", true
	var addresses []url.URL
	for range 2 {
		port, err := freePort()
		if err != nil {
			return "", err
		}
		addresses = append(addresses, url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)})
	}
	config.ListenClientUrls, config.AdvertiseClientUrls = addresses[:1], addresses[:1]
	config.ListenPeerUrls, config.AdvertisePeerUrls = addresses[1:], addresses[1:]
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	store, err := embed.StartEtcd(config)
	if err != nil {
		return "", err
	}
	select {
	case <-store.Server.ReadyNotify():
		return addresses[0].String(), nil
	case err := <-store.Err():
		return "", err
	case <-time.After(time.Minute):
		return "", errors.New("etcd is not ready after a minute")
	}
}

func (s *server) ask(method, path string, body []byte) (int, []byte, []string, error) {
	request, err := http.NewRequest(method, s.address+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, text, response.Header.Values("Warning"), err
}

// judge reads the text as kubectl does and asks the server about each object in it.
func (s *server) judge(asked question) ([]verdict, error) {
	namespace, err := s.namespace(asked.Level, asked.Version)
	if err != nil {
		return nil, err
	}
	verdicts := []verdict{}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(asked.Text)))
	for number := 0; ; number++ {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return verdicts, nil
		} else if err != nil {
			return append(verdicts, verdict{Document: number, Message: err.Error()}), nil
		}
		var object map[string]any
		if err := yaml.UnmarshalStrict(document, &object); err != nil {
			verdicts = append(verdicts, verdict{Document: number, Message: err.Error()})
			continue
		}
		for item, object := range itemsOf(object) {
			found, err := s.judgeObject(namespace, object)
			if err != nil {
				return nil, err
			}
			found.Document, found.Item = number, item
			verdicts = append(verdicts, found)
		}
	}
}

// itemsOf is what a List holds, or the object itself.
func itemsOf(object map[string]any) []map[string]any {
	kind, _ := object["kind"].(string)
	items, isList := object["items"].([]any)
	if !isList || !strings.HasSuffix(kind, "List") {
		return []map[string]any{object}
	}
	var all []map[string]any
	for _, item := range items {
		if item, ok := item.(map[string]any); ok {
			all = append(all, item)
		}
	}
	return all
}

func (s *server) judgeObject(namespace string, object map[string]any) (verdict, error) {
	version, _ := object["apiVersion"].(string)
	kind, _ := object["kind"].(string)
	found := verdict{Kind: version + "/" + kind}
	prefix := "/apis/" + version
	if version == "v1" {
		prefix = "/api/v1"
	}
	resource, served, err := s.resource(prefix, kind)
	if err != nil || !served {
		found.Message = "this kind is not served here"
		return found, err
	}
	metadata, _ := object["metadata"].(map[string]any)
	path := prefix + "/" + resource.Name
	if resource.Namespaced {
		path = prefix + "/namespaces/" + namespace + "/" + resource.Name
		if metadata != nil {
			metadata["namespace"] = namespace
		}
	}
	body, err := json.Marshal(object)
	if err != nil {
		return found, err
	}
	status, text, warnings, err := s.ask("POST", path+"?dryRun=All&fieldValidation=Strict", body)
	if err != nil {
		return found, err
	}
	var answer metav1.Status
	if status >= 400 && json.Unmarshal(text, &answer) != nil {
		answer.Message = string(text)
	}
	// That it is there already is found after everything else was.
	ok := status < 300 || answer.Reason == metav1.StatusReasonAlreadyExists
	found.Ok = &ok
	if !ok {
		found.Message = answer.Message
	}
	for _, warning := range warnings {
		found.Forbidden = found.Forbidden || strings.Contains(warning, "would violate PodSecurity")
	}
	return found, nil
}

func (s *server) resource(prefix, kind string) (metav1.APIResource, bool, error) {
	if s.resources[prefix] == nil {
		status, text, _, err := s.ask("GET", prefix, nil)
		if err != nil {
			return metav1.APIResource{}, false, err
		}
		byKind := map[string]metav1.APIResource{}
		var list metav1.APIResourceList
		if status == http.StatusOK && json.Unmarshal(text, &list) == nil {
			for _, resource := range list.APIResources {
				if !strings.Contains(resource.Name, "/") {
					byKind[resource.Kind] = resource
				}
			}
		}
		s.resources[prefix] = byKind
	}
	resource, served := s.resources[prefix][kind]
	return resource, served, nil
}

// namespace makes sure that there is one with this level, and gives its name.
func (s *server) namespace(level, version string) (string, error) {
	name := strings.ReplaceAll("judge-"+level+"-"+version, ".", "-")
	if s.namespaces[name] {
		return name, nil
	}
	// A warning tells of pods and templates alike, and refuses none for it.
	labels := map[string]string{
		"pod-security.kubernetes.io/warn": level, "pod-security.kubernetes.io/warn-version": version,
	}
	body, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name, "labels": labels},
	})
	if err != nil {
		return "", err
	}
	status, text, _, err := s.ask("POST", "/api/v1/namespaces", body)
	if err == nil && status != http.StatusCreated {
		err = fmt.Errorf("namespace %s: %s", name, text)
	}
	s.namespaces[name] = err == nil
	return name, err
}
