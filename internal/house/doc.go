// Package house holds the test that keeps the packages' borders: who may import
// whom. It has no code of its own.
package house
