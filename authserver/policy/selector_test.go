package policy

import "testing"

func labels(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

func expression(key, operator string, values ...string) *Selector {
	return &Selector{MatchExpressions: []Requirement{{Key: key, Operator: operator, Values: values}}}
}

// The cases follow the Kubernetes documentation, "Labels and Selectors", and the
// comments of metav1.LabelSelector.
func TestSelectorMeansWhatKubernetesMeans(t *testing.T) {
	both := &Selector{
		MatchLabels:      labels("app", "shop"),
		MatchExpressions: []Requirement{{Key: "env", Operator: In, Values: []string{"prod", "qa"}}},
	}
	for name, c := range map[string]struct {
		selector *Selector
		labels   map[string]string
		want     bool
	}{
		"nil selects nothing":                      {nil, labels("a", "b"), false},
		"empty selects everything":                 {&Selector{}, labels("a", "b"), true},
		"empty selects what has no labels":         {&Selector{}, nil, true},
		"matchLabels equal":                        {&Selector{MatchLabels: labels("a", "b")}, labels("a", "b", "c", "d"), true},
		"matchLabels other value":                  {&Selector{MatchLabels: labels("a", "b")}, labels("a", "c"), false},
		"matchLabels key missing":                  {&Selector{MatchLabels: labels("a", "b")}, nil, false},
		"matchLabels empty value, key missing":     {&Selector{MatchLabels: labels("a", "")}, nil, false},
		"matchLabels empty value, key there":       {&Selector{MatchLabels: labels("a", "")}, labels("a", ""), true},
		"matchLabels are ANDed":                    {&Selector{MatchLabels: labels("a", "b", "c", "d")}, labels("a", "b"), false},
		"values compare by case":                   {&Selector{MatchLabels: labels("a", "b")}, labels("a", "B"), false},
		"In, one of the values":                    {expression("env", In, "prod", "qa"), labels("env", "qa"), true},
		"In, none of the values":                   {expression("env", In, "prod", "qa"), labels("env", "dev"), false},
		"In, key missing":                          {expression("env", In, "prod"), nil, false},
		"NotIn, one of the values":                 {expression("env", NotIn, "prod", "qa"), labels("env", "qa"), false},
		"NotIn, none of the values":                {expression("env", NotIn, "prod"), labels("env", "dev"), true},
		"NotIn, key missing selects too":           {expression("env", NotIn, "prod"), labels("a", "b"), true},
		"Exists, there":                            {expression("env", Exists), labels("env", ""), true},
		"Exists, missing":                          {expression("env", Exists), labels("a", "b"), false},
		"DoesNotExist, missing":                    {expression("env", DoesNotExist), labels("a", "b"), true},
		"DoesNotExist, there":                      {expression("env", DoesNotExist), labels("env", ""), false},
		"labels and expressions, both hold":        {both, labels("app", "shop", "env", "qa"), true},
		"labels and expressions, one fails":        {both, labels("app", "shop", "env", "dev"), false},
		"In without values is invalid":             {expression("env", In), labels("env", ""), false},
		"NotIn without values is invalid":          {expression("env", NotIn), nil, false},
		"Exists with values is invalid":            {expression("env", Exists, "a"), labels("env", "a"), false},
		"DoesNotExist with values is invalid":      {expression("env", DoesNotExist, "a"), nil, false},
		"unknown operator":                         {expression("env", "Gt", "1"), labels("env", "2"), false},
		"operators compare by case":                {expression("env", "exists"), labels("env", "2"), false},
		"no operator":                              {expression("env", ""), nil, false},
		"invalid key, NotIn":                       {expression("a b", NotIn, "x"), nil, false},
		"invalid key, DoesNotExist":                {expression("", DoesNotExist), nil, false},
		"invalid value, NotIn":                     {expression("env", NotIn, "a b"), nil, false},
		"one invalid expression spoils the others": {&Selector{MatchExpressions: []Requirement{{Key: "a", Operator: Exists}, {Key: "b", Operator: "?"}}}, labels("a", ""), false},
	} {
		if got := c.selector.Matches(c.labels); got != c.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}
