// Says how Argo CD and Flux judge objects: health SCRIPT.lua, with a JSON array of objects on standard input.
//
// Prints a JSON array with, for each object, what the Lua health check answers (gopher-lua is Argo CD's engine, without the
// libraries that Argo CD closes) and what kstatus computes (Flux's).
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type verdict struct {
	Health        string `json:"health"`
	HealthMessage string `json:"healthMessage"`
	Status        string `json:"status"`
	StatusMessage string `json:"statusMessage"`
}

// toLua hands a JSON value over as Argo CD does: lists count from 1, null is absent.
func toLua(state *lua.LState, value any) lua.LValue {
	switch typed := value.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, inner := range typed {
			table.RawSetString(key, toLua(state, inner))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, inner := range typed {
			table.Append(toLua(state, inner))
		}
		return table
	case string:
		return lua.LString(typed)
	case bool:
		return lua.LBool(typed)
	case int64:
		return lua.LNumber(typed)
	case float64:
		return lua.LNumber(typed)
	default:
		return lua.LNil
	}
}

func health(script string, object map[string]any) (string, string, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for _, library := range []struct {
		name string
		open lua.LGFunction
	}{{lua.BaseLibName, lua.OpenBase}, {lua.TabLibName, lua.OpenTable}, {lua.StringLibName, lua.OpenString}, {lua.MathLibName, lua.OpenMath}} {
		if err := state.CallByParam(lua.P{Fn: state.NewFunction(library.open), Protect: true}, lua.LString(library.name)); err != nil {
			return "", "", err
		}
	}
	state.SetGlobal("obj", toLua(state, object))
	if err := state.DoString(script); err != nil {
		return "", "", err
	}
	answer, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return "", "", fmt.Errorf("the script returned %s", state.Get(-1).Type())
	}
	return answer.RawGetString("status").String(), answer.RawGetString("message").String(), nil
}

func judge(script string, object unstructured.Unstructured) (verdict, error) {
	healthStatus, message, err := health(script, object.Object)
	if err != nil {
		return verdict{}, err
	}
	computed, err := status.Compute(&object)
	if err != nil {
		return verdict{}, err
	}
	return verdict{healthStatus, message, computed.Status.String(), computed.Message}, nil
}

func run(path string) error {
	script, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var texts []json.RawMessage
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		return err
	}
	verdicts := make([]verdict, len(texts))
	for i, text := range texts {
		var object unstructured.Unstructured
		if err := object.UnmarshalJSON(text); err != nil {
			return err
		}
		if verdicts[i], err = judge(string(script), object); err != nil {
			return fmt.Errorf("object %d: %w", i, err)
		}
	}
	return json.NewEncoder(os.Stdout).Encode(verdicts)
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gitops SCRIPT.lua < objects.json")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
