package oauthclient

import (
	"context"
	"time"

	"clientele.dev/clientele/api/v1alpha1"
	"clientele.dev/clientele/authserver/credential"
)

// defaultOverlap is what the schema fills in.
const defaultOverlap = 24 * time.Hour

// beginRotation writes the next secret down, if it is time for one. A secret
// that is still overlapping is cut when a rotation is asked for by annotation
// (so that at most three are valid); a rotation on schedule waits for it.
func (r *Reconciler) beginRotation(ctx context.Context, p *pass) *problem {
	if p.record.Public {
		return nil
	}
	wanted, due := p.rotationWanted(), p.rotationDue()
	if p.record.Next != "" || !wanted && !due {
		return nil
	}
	changed := p.record.clone()
	changed.Next = credential.NewClientSecret()
	changed.Previous, changed.State.PreviousExpires = "", time.Time{}
	changed.State.PendingRotate = p.client.Annotations[v1alpha1.AnnotationRotateSecret]
	changed.State.Counter++
	if problem := r.writeRecord(ctx, p, changed); problem != nil {
		return problem
	}
	return r.recorded()
}

func (p *pass) rotationWanted() bool {
	value := p.client.Annotations[v1alpha1.AnnotationRotateSecret]
	return value != "" && value != p.record.State.HandledRotate
}

func (p *pass) rotationDue() bool {
	date := p.rotationDate()
	return !date.IsZero() && !p.now.Before(date) && p.record.Previous == ""
}

// rotationDate is when the current secret is old enough; zero: never.
func (p *pass) rotationDate() time.Time {
	every := p.client.Spec.Credentials.RotateEvery
	if every == nil || p.record.Public {
		return time.Time{}
	}
	return p.record.State.Issued.Add(every.Duration)
}

// cutDate is when the previous secret is cut; zero: there is none. An overlap
// that was shortened since counts.
func (p *pass) cutDate() time.Time {
	if p.record.Previous == "" {
		return time.Time{}
	}
	date := p.record.State.Issued.Add(p.overlap())
	if p.record.State.PreviousExpires.Before(date) {
		return p.record.State.PreviousExpires
	}
	return date
}

func (p *pass) overlap() time.Duration {
	if o := p.client.Spec.Credentials.Overlap; o != nil {
		return o.Duration
	}
	return defaultOverlap
}

// nextDate is the next moment at which something is to be done; zero: none.
func (p *pass) nextDate() time.Time {
	if p.record == nil {
		return time.Time{}
	}
	if cut := p.cutDate(); !cut.IsZero() {
		return cut
	}
	return p.rotationDate()
}

// cutExpired takes a previous secret out that has had its time, here and at the
// server. It runs after the current one is handed out.
func (r *Reconciler) cutExpired(ctx context.Context, p *pass) *problem {
	date := p.cutDate()
	if date.IsZero() || p.now.Before(date) {
		return nil
	}
	changed := p.record.clone()
	changed.Previous, changed.State.PreviousExpires = "", time.Time{}
	changed.State.Counter++
	if problem := r.writeRecord(ctx, p, changed); problem != nil {
		return problem
	}
	if err := r.crash(PointCut); err != nil {
		return crashed(err)
	}
	return r.register(ctx, p)
}

// promote makes the next secret, which the server accepts by now, the current
// one. The set of valid secrets stays what it is.
func (r *Reconciler) promote(ctx context.Context, p *pass) *problem {
	if p.record.Next == "" {
		return nil
	}
	asked := p.record.State.PendingRotate != p.record.State.HandledRotate
	changed := p.record.clone()
	changed.Previous, changed.Current, changed.Next = changed.Current, changed.Next, ""
	changed.State.Issued = p.now
	changed.State.PreviousExpires = p.now.Add(p.overlap())
	changed.State.HandledRotate, changed.State.PendingRotate = changed.State.PendingRotate, ""
	if problem := r.writeRecord(ctx, p, changed); problem != nil {
		return problem
	}
	if err := r.crash(PointPromoted); err != nil {
		return crashed(err)
	}
	p.rotated = true
	if !asked {
		r.counters.rotations.WithLabelValues(causeSchedule).Inc()
		return nil
	}
	r.counters.rotations.WithLabelValues(causeAnnotation).Inc()
	p.didRotate(changed.State.PreviousExpires)
	return nil
}
