package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// answerLines makes a command that answers each line as answerAll does.
func answerLines[Request any](name, about string, answer func(Request) (any, error)) *cobra.Command {
	return &cobra.Command{
		Use:          name,
		Short:        about,
		SilenceUsage: true,
		RunE:         func(*cobra.Command, []string) error { return answerAll(answer) },
	}
}

// answerAll reads one JSON request per line and answers each with one line, in their order, until input ends: with what
// answer returns, or {"error": "…"}.
func answerAll[Request any](answer func(Request) (any, error)) error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for lines.Scan() {
		if err := out.Encode(answerLine(lines.Bytes(), answer)); err != nil {
			return err
		}
	}
	return lines.Err()
}

type failure struct {
	Error string `json:"error"`
}

func answerLine[Request any](line []byte, answer func(Request) (any, error)) any {
	var request Request
	if err := json.Unmarshal(line, &request); err != nil {
		return failure{fmt.Sprintf("request: %v", err)}
	}
	result, err := answer(request)
	if err != nil {
		return failure{err.Error()}
	}
	return result
}
