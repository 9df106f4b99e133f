package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// choice is a flag that takes one of a few words. The first word is the
// default, unless the flag is required.
type choice struct {
	word  string
	words []string
}

// String gives the word. Source: pflag.Value.
func (c *choice) String() string { return c.word }

// Type names what is wanted, in the help. Source: pflag.Value.
func (c *choice) Type() string { return "WORD" }

// Set takes a word. Source: pflag.Value.
func (c *choice) Set(word string) error {
	if !slices.Contains(c.words, word) {
		return fmt.Errorf("want %s", oneOf(c.words))
	}
	c.word = word
	return nil
}

// addFlag adds the flag to a command, with its words for the shell to complete.
func (c *choice) addFlag(cmd *cobra.Command, name, short, usage string) {
	cmd.Flags().VarP(c, name, short, usage)
	completeWords(cmd, name, c.words)
}

// oneOf lists words: a, b or c.
func oneOf(words []string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// completeWords has the shell complete a flag with words.
func completeWords(cmd *cobra.Command, flag string, words []string) {
	// The flag exists, so this cannot fail.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}
