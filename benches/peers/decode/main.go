// Command decode reads the files that are named on stdin, one a line, as kubectl reads them, and drops what it read:
// the floor for a program in Go that understands manifests.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

func main() {
	documents, refused := 0, 0
	names := bufio.NewScanner(os.Stdin)
	for names.Scan() {
		count, err := read(names.Text())
		documents += count
		if err != nil {
			refused++
		}
	}
	fmt.Printf("%d documents, %d files refused\n", documents, refused)
}

func read(name string) (int, error) {
	file, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	decoder := yaml.NewYAMLOrJSONDecoder(bufio.NewReader(file), 4096)
	for count := 0; ; count++ {
		var object unstructured.Unstructured
		if err := decoder.Decode(&object.Object); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return count, err
		}
	}
}
