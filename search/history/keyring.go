package history

import "github.com/fettle-edge/fettle/study"

// keyring remembers recipe keys: the search for an unseen neighbour meets the
// same assignments again at every ask, and planning a recipe is not free.
type keyring struct {
	key   func(study.Assignment) (string, error)
	known map[string]verdict // by the assignment's own key
}

type verdict struct {
	key string
	err error
}

func newKeyring(key func(study.Assignment) (string, error)) *keyring {
	return &keyring{key: key, known: map[string]verdict{}}
}

func (k *keyring) of(a study.Assignment) (string, error) {
	name := a.Key()
	v, ok := k.known[name]
	if !ok {
		v.key, v.err = k.key(a)
		k.known[name] = v
	}
	return v.key, v.err
}
